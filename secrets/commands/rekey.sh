[ $# = 0 ] || fail "takes no argument: it encrypts each file again that your keys open; \$IDENTITY names another key"
others=()
failed=()
files=$(listed)
for file in $files; do
	if [ ! -e "$file" ]; then
		echo "$file: is not there" >&2
		failed+=("$file")
	elif opens "$file" && encrypt_again "$file" 2>"$TMPDIR/error"; then
		echo "$file: encrypted again" >&2
	else
		sed "s|^|$file: |" "$TMPDIR/error" >&2
		# age's words for a file that is for other keys, and agenix's for no key at all: what any other is, nobody foresaw.
		if grep -q -e 'no identity matched any of the recipients' -e '^No identity found to decrypt' "$TMPDIR/error"; then
			others+=("$file")
		else
			failed+=("$file")
		fi
	fi
done
[ ${#others[@]} = 0 ] || echo "$command: left as they are, for none of your keys opens them: ${others[*]}" >&2
[ ${#failed[@]} = 0 ] || fail "left as they are, for the reasons above: ${failed[*]}"
