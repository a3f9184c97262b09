# The files that nginx serves itself, in the style and the formats of the pages: errors, and the list of words while the index
# is down. The program that serves the pages writes them when the host is built.
{
  lib,
  runCommand,
  # The program, for the platform that builds.
  package,
  siteFile,
}:
let
  files = runCommand "wordtally-static-pages" { } ''
    ${lib.getExe package} static-pages --site ${siteFile} --out $out
    # The policy that the pages' own style needs.
    printf 'add_header Content-Security-Policy "%s" always;\n' "$(cat $out/content-security-policy)" >$out/policy.conf
  '';
  # No word's path begins with this, because names contain no dot.
  prefix = "/.static";
in
{
  inherit files;

  # The file that a client gets. A browser names HTML; a client that names none of our formats gets a line of text.
  http = ''
    map $http_accept $wordtally_error_form {
      default txt;
      "~*text/html" html;
      "~*application/(problem\+)?json" problem;
    }
    # By the format in the link, like the index; otherwise by `Accept`.
    map "$arg_format;$wordtally_format" $wordtally_list_form {
      default html;
      "~^json;" json;
      "~^(?:csv|md|txt);" txt;
      ";application/json" json;
      ";text/csv" txt;
      ";text/markdown" txt;
      ";text/plain" txt;
    }
    # Header fields of some errors; for other errors they are empty and are left out.
    map $status $wordtally_allow {
      405 "GET, HEAD";
    }
    map $status $wordtally_retry_after {
      429 1;
      503 5;
    }
  '';

  # nginx's own errors.
  errors =
    lib.concatMapStrings
      (status: "error_page ${status} ${prefix}/errors/${status}.$wordtally_error_form;\n")
      [
        "404"
        "405"
        "429"
      ];
  # In place of an unavailable instance or index.
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
          # All files in the store have the same time, so neither the time nor a tag made from it indicates a change.
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
