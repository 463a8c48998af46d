"""The modules beside the tests are programs of their own: what they import stands beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
