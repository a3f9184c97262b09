# Reads the image's layout and compares it with its inputs. Two streams must be the same image.
{
  runCommand,
  python3,
  skopeo,
  image,
  wordtally,
  certificates,
  created,
  revision,
}:
runCommand "image-layout"
  {
    nativeBuildInputs = [
      python3
      skopeo
    ];
  }
  ''
    ${image} >first.tar
    ${image} >second.tar
    python3 ${./check_image.py} first.tar second.tar \
      --binary ${wordtally}/bin/wordtally \
      --certificates ${certificates}/etc/ssl/certs/ca-bundle.crt \
      --created ${created} --revision ${revision} --version ${wordtally.version} | tee $out
  ''
