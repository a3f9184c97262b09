[ $# = 0 ] || fail "takes no argument: it re-encrypts each file that your keys decrypt; \$IDENTITY names another key"
others=()
failed=()
files=$(listed)
for file in $files; do
	if [ ! -e "$file" ]; then
		echo "$file: does not exist" >&2
		failed+=("$file")
	elif opens "$file" && encrypt_again "$file" 2>"$TMPDIR/error"; then
		echo "$file: re-encrypted" >&2
	else
		sed "s|^|$file: |" "$TMPDIR/error" >&2
		# age's message for a file that is encrypted for other keys, and agenix's if there is no key. Any other error is a failure.
		if grep -q -e 'no identity matched any of the recipients' -e '^No identity found to decrypt' "$TMPDIR/error"; then
			others+=("$file")
		else
			failed+=("$file")
		fi
	fi
done
[ ${#others[@]} = 0 ] || echo "$command: not re-encrypted, because none of your keys decrypts them: ${others[*]}" >&2
[ ${#failed[@]} = 0 ] || fail "not re-encrypted, for the reasons above: ${failed[*]}"
