# A release and the program that publishes and signs it: all that such a job needs.
{
  runCommand,
  release,
  deploy,
}:
runCommand "subjects"
  { meta.description = "A release and the program that publishes and signs it"; }
  ''
    mkdir -p $out/bin
    ln -s ${release}/* $out/
    ln -s ${deploy}/bin/deploy $out/bin/
  ''
