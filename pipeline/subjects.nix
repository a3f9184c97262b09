# What a release is published and signed from, with the program that does it: all that such a job has.
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
