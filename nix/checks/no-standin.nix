# The shipped program has no command of the stand-in, and its man pages and completions exist and name none.
# release/checks/release.nix checks that the program has none of the stand-in's crates.
{ pkgs, self, ... }:
let
  inherit (self.packages.${pkgs.stdenv.hostPlatform.system}) wordtally;
in
pkgs.runCommand "no-standin" { nativeBuildInputs = [ wordtally ]; } ''
  wordtally serve --help >/dev/null
  for command in standin demo; do
    if wordtally $command --help >/dev/null 2>&1; then
      echo "the shipped program has the command '$command'" >&2
      exit 1
    fi
  done

  cd ${wordtally}/share
  for file in man/man1/wordtally{,-serve,-check,-index,-static-pages,-probe}.1.gz bash-completion/completions/wordtally \
    fish/vendor_completions.d/wordtally.fish zsh/site-functions/_wordtally; do
    if ! [ -s $file ]; then
      echo "the package has no share/$file" >&2
      exit 1
    fi
    case $file in *.gz) gzip -dc $file ;; *) cat $file ;; esac >>$TMPDIR/text
  done
  grep -q serve $TMPDIR/text
  if ls man/man1 | grep -E 'standin|demo' || grep -nE 'standin|demo' $TMPDIR/text; then
    echo "a man page or completion names a command that the shipped program does not have" >&2
    exit 1
  fi
  touch $out
''
