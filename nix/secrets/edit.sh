new=
if [ "${1-}" = --new ]; then
	new=1
	shift
fi
[ $# = 1 ] || fail "give one file of secrets/, such as prod/bigquery.json.age; --new before it writes it anew, unread"
file=${1#secrets/}
listed | grep -qxF -- "$file" || fail "$file is not listed in secrets/secrets.nix: put who may open it there first"

if [ -z "$new" ] && [ -e "$file" ]; then
	opens "$file" || fail "none of your keys opens $file: name one in \$IDENTITY, or write it anew with --new"
fi
identity_of "$file"
if [ -n "$new" ]; then
	# agenix makes what it does not find; the old file stays until the new one is whole.
	mkdir -p "$TMPDIR/new"
	(cd "$TMPDIR/new" && agenix --edit "$file")
	[ -e "$TMPDIR/new/$file" ] || fail "$file was not written"
	mkdir -p "$(dirname "$file")"
	mv "$TMPDIR/new/$file" "$file"
else
	agenix --edit "$file" "${identity[@]}"
fi
