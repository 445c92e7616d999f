"""Security headers of every response."""

# Plotly sizes its parts with style attributes; without `style-src-attr` its heatmap is blurred, with no error message.
CONTENT_SECURITY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src-elem": "'self'",
    "style-src-attr": "'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

# For scripts, style sheets and icons. The other headers have no effect on them, and sent with fifty files they would be
# a quarter of the bytes of a first visit.
FILE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

SECURITY_HEADERS = {
    **FILE_HEADERS,
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in CONTENT_SECURITY.items()),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
