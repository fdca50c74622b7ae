"""When the bucket has answered, once for each copy that an edge location keeps: security fields, how long copies
live, and a page for people where there is no such file.

It runs here and not at viewer-response because that one is skipped for errors, and runs for each reader.
"""

# The page loads only from its own site, runs no inline code, and cannot be framed.
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

# Browsers ask again each time and mostly hear "not modified"; edge locations keep a copy for a minute.
CACHE = "max-age=0, must-revalidate, s-maxage=60"

NOT_FOUND = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Nothing here · Meridian</title>
<link rel="stylesheet" href="/style.css">
<main class="lost">
<h1>Nothing here</h1>
<p>This address is off the map. <a href="/">Back to the conversation</a></p>
</main>
</html>
"""


def handler(event, context):
    response = event["Records"][0]["cf"]["response"]
    # A bucket that may not be listed says 403 for a file that does not exist.
    if str(response["status"]) in ("403", "404"):
        response["status"] = "404"
        response["statusDescription"] = "Not Found"
        response["body"] = NOT_FOUND
        _set(response, "Content-Type", "text/html; charset=utf-8")
        response["headers"].pop("content-length", None)
    elif "cache-control" not in response["headers"]:
        _set(response, "Cache-Control", CACHE)
    for name, value in SECURITY.items():
        _set(response, name, value)
    return response


def _set(response, name, value):
    response["headers"][name.lower()] = [{"key": name, "value": value}]
