new=
if [ "${1-}" = --new ]; then
	new=1
	shift
fi
[ $# = 1 ] || fail "give one file of secrets/, such as prod/bigquery.json.age; --new before it writes it anew, unread"
file=${1#secrets/}
listed | grep -qxF -- "$file" || fail "$file is not listed in secrets/secrets.nix: put who may open it there first"

if [ -z "$new" ] && [ -e "$file" ]; then
	opens "$file" || {
		cat "$TMPDIR/error" >&2
		fail "none of your keys opens $file: name one in \$IDENTITY, or write it anew with --new"
	}
fi
identity_of "$file"

# agenix would encrypt an empty file too, such as a pipe gives when the command before it fails.
text='[^[:space:]]'
if [ -t 0 ]; then
	[ -n "${EDITOR-}" ] || fail "\$EDITOR is not set: name an editor, such as EDITOR=nano"
	# Nor does it mind an editor that fails: what is removed here it does not encrypt.
	cat >"$TMPDIR/editor" <<-END
		$EDITOR "\$1" && grep -aq '$text' "\$1" && exit
		rm -f "\$1"
		touch "$TMPDIR/refused"
	END
	export EDITOR="bash $TMPDIR/editor"
else
	cat >"$TMPDIR/input" || fail "the input cannot be read: $file is left as it was"
	grep -aq "$text" "$TMPDIR/input" || fail "the input is empty, so that what makes it may have failed: $file is left as it was"
	exec <"$TMPDIR/input"
fi

if [ -n "$new" ]; then
	# agenix makes what it does not find; the old file stays until the new one is whole.
	mkdir -p "$TMPDIR/new"
	(cd "$TMPDIR/new" && agenix --edit "$file")
	[ -e "$TMPDIR/new/$file" ] || fail "the editor failed or left an empty file: $file is left as it was"
	mkdir -p "$(dirname "$file")"
	mv "$TMPDIR/new/$file" "$file"
else
	agenix --edit "$file" "${identity[@]}"
	[ ! -e "$TMPDIR/refused" ] || fail "the editor failed or left an empty file: $file is left as it was"
fi
