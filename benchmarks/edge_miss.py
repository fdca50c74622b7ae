"""An edge location that keeps nothing (CachingDisabled) against nginx proxy_pass, both with open connections to the
same origin: requests per CPU second of the server, 1 KB and 100 KB from 32 keep-alive connections.

Bar: 0.9 of nginx. It is not met: an exchange costs CPython some 45 us, nginx 12, and a slower server lets its peers
fall asleep between requests, so it also pays for waking them.
"""

from __future__ import annotations

import edge_peers

BAR = 0.9


def main() -> None:
    with edge_peers.running() as (folder, keep):
        port = keep(edge_peers.origin(folder)).address[1]
        peers = [
            keep(edge_peers.edge(folder, port, cached=False)),
            keep(edge_peers.nginx(folder, port, cached=False, nopush="off")),
        ]
        for size, figures in edge_peers.compare(peers).items():
            edge, nginx = figures.values()
            print(f"misses of {size}, requests per CPU second:")
            for name, figure in figures.items():
                print(f"  {name:36} {figure:10,.0f}")
            print(f"  edge to nginx                        {edge / nginx:10.2f}   (bar {BAR})")


if __name__ == "__main__":
    main()
