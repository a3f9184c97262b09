# Runs the image under crun and asks it for a page: `nix run .#image-test`, as root. No check of the flake's: a build may
# mount nothing and is not root.
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
