# The software bill of materials: the crates in the shipped binary, and the store paths of the package and the image.
{
  stdenv,
  python3,
  crates,
  wordtally,
  image,
}:
stdenv.mkDerivation {
  name = "sbom.cdx.json";
  __structuredAttrs = true;
  # Each path with its hash and its references, from Nix's database.
  exportReferencesGraph.closure = [
    wordtally
    image.root
  ];
  nativeBuildInputs = [
    (python3.withPackages (
      packages:
      [ packages.cyclonedx-python-lib ]
      ++ packages.cyclonedx-python-lib.optional-dependencies.json-validation
    ))
  ];
  buildCommand = ''
    python3 ${./sbom.py} "$NIX_ATTRS_JSON_FILE" \
      --crates ${crates} --package ${wordtally} --created ${image.created} >sbom.cdx.json
    cp sbom.cdx.json "$out"
  '';
}
