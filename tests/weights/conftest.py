import sys
from pathlib import Path

# `hub_server` is a helper of these tests, beside them.
sys.path.append(str(Path(__file__).parent))
