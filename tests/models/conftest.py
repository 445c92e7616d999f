import pytest
from conftest import load_entry


@pytest.fixture
def fresh(models_dir):
    """model id -> LoadedModel of this test's own, to change as it likes."""
    return lambda model_id: load_entry(model_id, models_dir)
