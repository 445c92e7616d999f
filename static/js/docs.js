// The API's own page: Swagger UI over /openapi.json. Both scripts are deferred, so Swagger UI is there by now.

// @ts-expect-error SwaggerUIBundle is a global of a script without types
globalThis.SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true });
