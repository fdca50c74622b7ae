"""Who signs requests here, by access key, where it matters: signatures themselves are not checked."""

from __future__ import annotations

CLOUDFRONT = "CLOUDFRONT"
"""What CloudFront asks an origin for, by the origin's access control."""
