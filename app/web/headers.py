"""What every answer tells the browser: run our files only, guess no types, be in nobody's frame."""

# Plotly sizes its parts through style attributes; without `style-src-attr` its heatmap is silently blurred.
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

# Of a script, a style sheet or an icon, which rule no page: fifty times the rest would be a quarter of a first visit.
OF_FILES = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

SAFE = {
    **OF_FILES,
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in CONTENT_SECURITY.items()),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
