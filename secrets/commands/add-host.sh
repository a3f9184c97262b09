[ $# = 2 ] || fail "give the host's name in secrets/keys.nix, and its address or a file with its public key"
host=$1
[[ $host =~ ^[a-z][a-z0-9-]*$ ]] || fail "'$host' is not a host's name: use small letters, digits and '-'"
! is_mock "$host" || fail "$host's identity is public and made by secrets/mock-identity: it has no key of its own"

case $2 in
-*) fail "'$2' is neither an address nor a file" ;;
esac
if [ -e "$start/$2" ] || [[ $2 == /* ]]; then
	[[ $2 == /* ]] && from=$2 || from=$start/$2
	grep -q 'PRIVATE KEY' "$from" && fail "$2 is a private key: give the public one, $2.pub"
	lines=$(grep -v '^#' "$from" || true)
else
	lines=$(ssh-keyscan -T 5 -t ed25519 -- "$2" 2>/dev/null | cut -d ' ' -f 2- || true)
	[ -n "$lines" ] || fail "$2 is not a file, and no host there shows an ssh-ed25519 key"
fi
key=$(awk '$1 == "ssh-ed25519" { print $1 " " $2 }' <<<"$lines")
[ "$(grep -c . <<<"$key")" = 1 ] || fail "$2 has no ssh-ed25519 public key, or more than one: give one line such as 'ssh-ed25519 AAAA…'"
fingerprint=$(ssh-keygen -l -f - <<<"$key" 2>/dev/null) || fail "$2 has no valid ssh-ed25519 public key: it is cut off or changed"

# In `hosts`, one line is one key.
HOST=$host KEY=$key awk '
	/^  hosts = \{/ { inside = 1 }
	inside && $1 == ENVIRON["HOST"] && $2 == "=" { print "    " ENVIRON["HOST"] " = \"" ENVIRON["KEY"] "\";"; done = 1; next }
	inside && /^  \};/ { if (!done) print "    " ENVIRON["HOST"] " = \"" ENVIRON["KEY"] "\";"; inside = 0; written = 1 }
	{ print }
	END { exit !written }
' keys.nix >"$TMPDIR/keys.nix" || fail "secrets/keys.nix has no 'hosts = {' … '};' to put the key into"
[ "$(nix-instantiate --eval --strict --json -E "(import $TMPDIR/keys.nix).hosts.\"$host\"" | jq -r .)" = "$key" ] ||
	fail "secrets/keys.nix would not be valid with this key: it is left as it was"
cat "$TMPDIR/keys.nix" >keys.nix
echo "$host's key is in secrets/keys.nix: $fingerprint" >&2
echo "Compare it with what the host's console prints: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" >&2

mapfile -t mine < <(listed | grep "^$host/" || true)
[ ${#mine[@]} != 0 ] || echo "Next: list its files in secrets/secrets.nix, then nix run .#secrets-edit -- --new $host/NAME.age" >&2
for file in "${mine[@]}"; do
	if [ -e "$file" ] && opens "$file"; then
		encrypt_again "$file"
		echo "$file: encrypted for the new key" >&2
	else
		echo "Next: nix run .#secrets-edit -- --new $file (none of your keys opens what is there)" >&2
	fi
done
