"""The paths that need no key: the page, which asks the user for it, and health checks for load balancers."""

OPEN_PATHS = {"/", "/docs", "/openapi.json", "/healthz", "/readyz"}
OPEN_FOLDERS = ("/static/", "/vendor/", "/docs/")


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)
