new=
if [ "${1-}" = --new ]; then
	new=1
	shift
fi
[ $# = 1 ] || fail "give one file of secrets/, such as prod/bigquery.json.age; --new before the file replaces it unread"
file=${1#secrets/}
listed | grep -qxF -- "$file" || fail "$file is not listed in secrets/secrets.nix: first list its recipients there"

if [ -z "$new" ] && [ -e "$file" ]; then
	opens "$file" || {
		cat "$TMPDIR/error" >&2
		fail "none of your keys decrypts $file: name another in \$IDENTITY, or replace the file with --new"
	}
fi
identity_of "$file"

# agenix would also encrypt an empty file, which a pipe produces if the command before it fails.
text='[^[:space:]]'
if [ -t 0 ]; then
	[ -n "${EDITOR-}" ] || fail "\$EDITOR is not set: name an editor, such as EDITOR=nano"
	# agenix also ignores an editor that fails, but it does not encrypt a file that is removed.
	cat >"$TMPDIR/editor" <<-END
		$EDITOR "\$1" && grep -aq '$text' "\$1" && exit
		rm -f "\$1"
		touch "$TMPDIR/refused"
	END
	export EDITOR="bash $TMPDIR/editor"
else
	cat >"$TMPDIR/input" || fail "the input cannot be read: $file is unchanged"
	grep -aq "$text" "$TMPDIR/input" || fail "the input is empty, so the command that produces it may have failed: $file is unchanged"
	exec <"$TMPDIR/input"
fi

if [ -n "$new" ]; then
	# agenix creates a file that it does not find, so the old one stays until the new one is complete.
	mkdir -p "$TMPDIR/new"
	(cd "$TMPDIR/new" && agenix --edit "$file")
	[ -e "$TMPDIR/new/$file" ] || fail "the editor failed or left an empty file: $file is unchanged"
	mkdir -p "$(dirname "$file")"
	mv "$TMPDIR/new/$file" "$file"
else
	agenix --edit "$file" "${identity[@]}"
	[ ! -e "$TMPDIR/refused" ] || fail "the editor failed or left an empty file: $file is unchanged"
fi
