# Runs the image under crun and requests a page from it: `nix run .#image-test`, as root. It is not a check of the flake,
# because a build is not root and may not mount anything.
{
  writeShellApplication,
  crun,
  curl,
  python3,
  util-linux,
  image,
  bigquery-standin,
}:
writeShellApplication {
  name = "image-test";
  runtimeInputs = [
    crun
    curl
    python3
    util-linux
  ];
  runtimeEnv.WORDTALLY = "${bigquery-standin}/bin/wordtally";
  text = ''
    exec python3 ${./checks/image}/run_container.py ${image.oci}
  '';
  meta.description = "Runs the image in a container and requests a page from it";
}
