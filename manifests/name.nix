# An instance's name on a platform that accepts only DNS labels. Any other name is refused rather than changed, because two
# changed names could be the same.
{ lib }:
{
  platform,
  longest,
}:
let
  prefix = "wordtally-";
  left = longest - lib.stringLength prefix;
in
rec {
  # The reason why the name is not valid, or `null`.
  problem =
    name:
    if builtins.match "[a-z0-9]([a-z0-9-]*[a-z0-9])?" name != null && lib.stringLength name <= left then
      null
    else
      "services.wordtally.instances: '${name}' is not a valid name on ${platform}: use up to ${toString left} lower-case letters, digits and '-', with no '-' at either end, and set `word` to the word to count.";

  of = name: lib.throwIfNot (problem name == null) (problem name) "${prefix}${name}";
}
