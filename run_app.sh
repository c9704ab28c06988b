#!/bin/sh
# The collector and the stats API alone, in the foreground; options go to `ugc api`.
set -eu
cd "$(dirname "$0")"
if [ ! -x .venv/bin/ugc ]; then
    echo "run_app.sh: there is no environment here yet; \`make run\` makes it and starts the whole stack" >&2
    exit 1
fi
exec .venv/bin/ugc api "$@"
