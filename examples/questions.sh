#!/bin/sh
# Three questions with curl. Usage: sh questions.sh [http://127.0.0.1:8700]
set -eu
url="${1:-http://127.0.0.1:8700}"

ask() {
  curl --silent --show-error --fail-with-body --max-time 60 "$url/graphql" \
    --header 'Content-Type: application/json' "$@"
}

echo "Which runs are there?"
ask --data '{"query": "{ runs { id model images classCount } }"}'
echo

run=$(ask --data '{"query": "{ runs { id } }"}' | sed 's/.*"runs":\[{"id":"\([^"]*\)".*/\1/')
graph='{"query": "query Graph($id: ID!) { class(id: $id) { name graph { mass vertices { channel { id } share rank } } } }",
        "variables": {"id": "'"$run"'/0"}}'

echo "What does the model look for in the first class of $run?"
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT
ask --dump-header "$headers" --data "$graph"
echo

# An answer carries a tag of its content: sent back, the same answer is 304 without a body.
tag=$(sed -n 's/^[Ee][Tt][Aa][Gg]: *\(.*[^[:space:]]\)[[:space:]]*$/\1/p' "$headers")
echo "And is it still the same?"
ask --header "If-None-Match: $tag" --data "$graph" --output /dev/null --write-out '%{http_code}\n'
