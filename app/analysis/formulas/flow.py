"""Layers together: attention flow (Abnar and Zuidema 2020), the largest flow from a token to an input.

Node l * n + i is token i above layer l; the nodes of 0 are the inputs. An edge from token i above layer l to token j
above layer l - 1 carries at most A~_l [i j].
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import maximum_flow

# scipy's flows are of whole numbers: an edge that carries everything carries so many.
WHOLE = 1_000_000


def graph(steps: Sequence[np.ndarray]) -> csr_array:
    """A~ of each layer [i j], the first layer first -> capacities [node node], in parts of WHOLE."""
    size, nodes = len(steps[0]), len(steps[0]) * (len(steps) + 1)
    tails, heads, most = [], [], []
    for layer, step in enumerate(steps, 1):
        i, j = np.nonzero(step)
        tails.append(layer * size + i)
        heads.append((layer - 1) * size + j)
        most.append(np.rint(step[i, j] * WHOLE))
    edges = np.concatenate(most).astype(np.int32), (np.concatenate(tails), np.concatenate(heads))
    return csr_array(coo_array(edges, shape=(nodes, nodes)))


def flow_from(capacities: csr_array, size: int, query: int, key: int) -> float:
    """The largest flow from this token above the last layer to this input; 1 is everything."""
    source = capacities.shape[0] - size + query
    return float(maximum_flow(capacities, source, key).flow_value) / WHOLE
