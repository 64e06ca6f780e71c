#!/usr/bin/env bash
# Makes the Python environment and prints its interpreter. Silent and fast where it is there already.
#   venv.sh [REQUIREMENTS…]   files beside this one; requirements.txt is always among them
# Exits with 75 where packages cannot be installed. EGIZ_ML_VENV names another place than .egiz-venv-ml in the repository.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${EGIZ_ML_VENV:-$(cd "$here/../../.." && pwd)/.egiz-venv-ml}
exec 9>"$venv.lock"
flock 9
if [ ! -x "$venv/bin/python" ]; then
    echo "ml-service: making $venv" >&2
    python3 -m venv "$venv"
fi
for file in requirements.txt "$@"; do
    [ -f "$here/$file" ] || { echo "ml-service: no file $file beside venv.sh" >&2; exit 2; }
    # Each file has its stamp, so that asking for fewer takes nothing away.
    stamp=$venv/.$file
    if ! cmp -s <(cat "$here/requirements.txt" "$here/$file") "$stamp"; then
        echo "ml-service: installing $file into $venv" >&2
        if ! "$venv/bin/pip" --quiet --disable-pip-version-check install --requirement "$here/$file" >&2; then
            echo "ml-service: $file cannot be installed; is PyPI reachable?" >&2
            exit 75
        fi
        cat "$here/requirements.txt" "$here/$file" >"$stamp"
    fi
done
echo "$venv/bin/python"
