[ $# = 0 ] || fail "takes no argument: it encrypts each file again that your keys open; \$IDENTITY names another key"
left=()
files=$(listed)
for file in $files; do
	if opens "$file"; then
		# `:` as editor is agenix's way to encrypt again what is not changed.
		EDITOR=: agenix --edit "$file" "${identity[@]}" </dev/null
		echo "$file: encrypted again" >&2
	else
		left+=("$file")
	fi
done
[ ${#left[@]} = 0 ] || echo "$command: left as they are, for none of your keys opens them: ${left[*]}" >&2
