# What nginx answers itself, in the style and the formats of the pages: errors, and the list of words while the index is
# down. Written when the host is built, by the program that serves.
{
  lib,
  runCommand,
  # The program as the platform that builds can run it.
  package,
  siteFile,
}:
let
  files = runCommand "wordtally-static-pages" { } ''
    ${lib.getExe package} static-pages --site ${siteFile} --out $out
    # What the pages' own style needs.
    printf 'add_header Content-Security-Policy "%s" always;\n' "$(cat $out/content-security-policy)" >$out/policy.conf
  '';
  # No word's path begins so: a dot is in no name.
  prefix = "/.static";
in
{
  inherit files;

  # Which file a client gets. A browser names HTML; what names nothing of ours gets a line of text.
  http = ''
    map $http_accept $wordtally_error_form {
      default txt;
      "~*text/html" html;
      "~*application/(problem\+)?json" problem;
    }
    # By the link's format, as the index does it; else by `Accept`.
    map "$arg_format;$wordtally_format" $wordtally_list_form {
      default html;
      "~^json;" json;
      "~^(?:csv|md|txt);" txt;
      ";application/json" json;
      ";text/csv" txt;
      ";text/markdown" txt;
      ";text/plain" txt;
    }
    # Fields of some errors; of the others they are empty, and left out.
    map $status $wordtally_allow {
      405 "GET, HEAD";
    }
    map $status $wordtally_retry_after {
      429 1;
      503 5;
    }
  '';

  # Errors of nginx's own.
  errors =
    lib.concatMapStrings
      (status: "error_page ${status} ${prefix}/errors/${status}.$wordtally_error_form;\n")
      [
        "404"
        "405"
        "429"
      ];
  # In the place of an instance that is not there, and of the index.
  unavailable = "error_page 502 504 =503 ${prefix}/errors/503.$wordtally_error_form;";
  list = "error_page 502 503 504 =200 ${prefix}/list.$wordtally_list_form;";

  location =
    { fields }:
    {
      "^~ ${prefix}/" = {
        alias = "${files}/";
        extraConfig = ''
          internal;
          types {
            text/html html;
            application/json json;
            application/problem+json problem;
            text/plain txt;
          }
          charset utf-8;
          charset_types text/plain;
          # Files in the store all have one time, so that neither it nor a tag made from it tells of a change.
          etag off;
          if_modified_since off;
          max_ranges 0;
          ${fields}
          include ${files}/policy.conf;
          add_header Allow $wordtally_allow always;
          add_header Retry-After $wordtally_retry_after always;
          add_header Vary Accept always;
          add_header Cache-Control no-store always;
        '';
      };
    };
}
