# The reverse proxy's index: a page of static HTML that links to each word's own.
{ lib, pkgs }:
instances:
let
  # Names are safe as they are, words hold anything.
  entry =
    name: instance: ''<li><a href="/${name}/">${name}</a>: <q>${lib.escapeXML instance.word}</q></li>'';
in
pkgs.writeTextDir "index.html" ''
  <!doctype html>
  <html lang="en">
  <head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <meta name="color-scheme" content="light dark">
  <title>wordtally</title>
  </head>
  <body>
  <h1>wordtally</h1>
  <p>How often one word stands in each corpus:</p>
  <ul>
  ${lib.concatStringsSep "\n" (lib.mapAttrsToList entry instances)}
  </ul>
  </body>
  </html>
''
