"""The tables of README and docs, and the schema of the API, agree with the code."""

import re
from pathlib import Path

import pytest

from headscope.analysis.formulas.roles import CHOICE, DELIMITER, ROLES, SINK_DOMINATED
from headscope.analysis.similarity import RULES
from headscope.analysis.table import ROW_SCORES
from headscope.main import create_app
from headscope.settings import DEFAULTS_IN_WORDS, Settings, default_in_words
from headscope.web.open_paths import is_open

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = (ROOT / "docs" / "settings.md").read_text()

# The endpoints of the API.
ENDPOINTS = {
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
    "/api/v1/models": {"get"},
    "/api/v1/models/load": {"post"},
    "/api/v1/models/cancel": {"post"},
    "/api/v1/models/reload": {"post"},
    "/api/v1/models/size": {"post"},
    "/api/v1/attention": {"post"},
    "/api/v1/captures": {"post"},
    "/api/v1/estimate": {"post"},
    "/api/v1/captures/{capture_id}": {"get", "delete"},
    "/api/v1/captures/{capture_id}/overview": {"get"},
    "/api/v1/captures/{capture_id}/heads/{layer}/{head}": {"get"},
    "/api/v1/captures/{capture_id}/dump": {"get"},
    "/api/v1/captures/{capture_id}/words": {"get"},
    "/api/v1/captures/{capture_id}/norms/{layer}": {"get"},
    "/api/v1/captures/{capture_id}/scores": {"get"},
    "/api/v1/captures/{capture_id}/roles": {"get"},
    "/api/v1/captures/{capture_id}/similarity": {"get"},
    "/api/v1/captures/{capture_id}/rollout": {"get"},
    "/api/v1/captures/{capture_id}/flow": {"post"},
    "/api/v1/probes/induction": {"post"},
}


@pytest.fixture(scope="module")
def schema():
    return create_app(Settings()).openapi()


def settings_table():
    rows = ["| variable | default | default if shared | what |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        local, shared = default_in_words(name), default_in_words(name, shared=True)
        shared = "" if shared == local else shared
        rows.append(f"| `HEADSCOPE_{name.upper()}` | {local} | {shared} | {field.description} |")
    return "\n".join(rows)


def test_the_page_on_settings_has_the_table_of_settings():
    written = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", SETTINGS, re.DOTALL).group(1).strip()
    assert written == settings_table(), f"the table is:\n{settings_table()}"


def test_the_defaults_in_the_table_are_those_of_a_local_and_of_a_shared_server():
    for shared in (False, True):
        settings = Settings(shared=shared, insecure=True)
        for name in Settings.model_fields.keys() - DEFAULTS_IN_WORDS.keys() - {"shared", "insecure"}:
            value = getattr(settings, name)
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            assert default_in_words(name, shared) == ("none" if value is None else shown), name


def test_every_setting_has_a_description():
    assert all(field.description for field in Settings.model_fields.values())


def test_the_api_has_these_endpoints(schema):
    assert {path: set(methods) for path, methods in schema["paths"].items()} == ENDPOINTS


def test_every_endpoint_answers_errors_as_problem_json(schema):
    for path in schema["paths"].values():
        for method in path.values():
            assert "application/problem+json" in method["responses"]["default"]["content"]
            assert "422" not in method["responses"]
    assert "HTTPValidationError" not in str(schema)


def test_every_endpoint_has_a_description(schema):
    assert all(method.get("description") for path in schema["paths"].values() for method in path.values())


def test_every_parameter_and_every_field_of_a_request_has_a_description(schema):
    operations = [method for path in schema["paths"].values() for method in path.values()]
    missing = [each["name"] for one in operations for each in one.get("parameters", []) if not each.get("description")]
    bodies = [body for name, body in schema["components"]["schemas"].items() if name != "Problem"]
    missing += [name for body in bodies for name, field in body["properties"].items() if not field.get("description")]
    assert missing == []


def test_the_schema_names_the_documents(schema):
    assert "docs/api.md" in schema["info"]["description"]
    assert "/docs/glossary" in schema["info"]["description"]


def test_the_schema_of_a_server_with_a_key_asks_for_it_at_every_endpoint_that_requires_it(schema):
    secured = create_app(Settings(api_key="a-key-that-is-long-enough")).openapi()
    [[name, scheme]] = secured["components"]["securitySchemes"].items()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for path, methods in secured["paths"].items():
        for method in methods.values():
            assert method["security"] == ([] if is_open(path) else [{name: []}])
    assert "securitySchemes" not in schema["components"]


def test_every_endpoint_has_its_own_title(schema):
    titles = [method["summary"] for path in schema["paths"].values() for method in path.values()]
    assert len(set(titles)) == len(titles)
    assert all(" " in title or title.endswith("?") for title in titles), (
        "FastAPI made a title from the name of a function"
    )


def test_the_request_for_a_dump_has_these_fields(schema):
    body = schema["components"]["schemas"]["AttentionRequest"]
    assert list(body["properties"]) == [
        "text",
        "text_pair",
        "model",
        "target",
        "truncate",
        "layers",
        "heads",
        "stack",
        "quantity",
        "decimals",
        "verify",
    ]
    assert body["required"] == ["text"]
    assert body["additionalProperties"] is False


def scores_table():
    rows = ["| name | title | unit | formula | choice | source |", "|---|---|---|---|---|---|"]
    for score in ROW_SCORES:
        source = f"[{score.source.title}]({score.source.link})"
        formula = score.formula.replace("|", "\\|")
        rows.append(f"| `{score.name}` | {score.title} | {score.unit} | {formula} | {score.choice} | {source} |")
    return "\n".join(rows)


def roles_table():
    roles = [(role.name, role.title, role.rule) for role in ROLES]
    of_all = [("delimiter", "delimiters", DELIMITER), ("rests", "sink-dominated", SINK_DOMINATED)]
    rows = [f"| `{name}` | {title} | {rule} |" for name, title, rule in (*roles, *of_all)]
    return "\n".join(["| name | title | rule |", "|---|---|---|", *rows])


def collapse_table():
    return "\n".join(["| name | rule |", "|---|---|", *(f"| `{name}` | {rule} |" for name, rule in RULES.items())])


@pytest.mark.parametrize(
    ("name", "table"), [("scores", scores_table), ("roles", roles_table), ("collapse", collapse_table)]
)
def test_the_page_on_heads_has_the_same_tables_as_the_code(name, table):
    page = (ROOT / "docs" / "heads.md").read_text()
    written = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", page, re.DOTALL).group(1)
    assert written == table(), f"the table is:\n{table()}"


def test_the_page_on_heads_defines_the_shares_of_roles():
    assert CHOICE in " ".join((ROOT / "docs" / "heads.md").read_text().split())
