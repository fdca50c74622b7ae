"""The shapes of requests, by family. Members stand in the order in which AWS names their problems."""
