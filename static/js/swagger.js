// The page of the API: Swagger UI for /openapi.json. Both scripts are deferred, so Swagger UI is loaded by now.

// @ts-expect-error SwaggerUIBundle is a global of a script without types
globalThis.SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true });
