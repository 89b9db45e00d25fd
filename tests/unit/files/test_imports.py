"""Functions that only cut and check files start without the library for columns, which takes as long to import as all the rest."""

import subprocess
import sys

LIGHT = "names manifest library splitting unpacking frame rows totals"


def test_only_reading_columns_imports_arrow() -> None:
    imports = "; ".join(f"import shared.files.{name}" for name in LIGHT.split())
    subprocess.run([sys.executable, "-c", f"{imports}; import sys; sys.exit('pyarrow' in sys.modules)"], check=True)
