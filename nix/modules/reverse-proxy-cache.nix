# The reverse proxy's cache: the second request for a page within a second keeps it for the rest of that second.
#
# The second is part of the key. No copy is served in another second than its own, so that `Age` is never more than one
# second behind, whatever an instance or a host's other settings say of how long to keep it.
#
# What an instance chooses by, and the key, are made of the same few values. A client's own fields can neither fill the
# cache nor change what another client gets from it. A request that those values do not describe goes to the instance.
# `byOrigin`: an instance answers pages of some origins otherwise than others.
{ lib, byOrigin }:
{
  # Beside the host's own: every name has the prefix.
  http = ''
    # On a tmpfs, as no copy is of use after its second. It stays longer than a request may wait for an instance that
    # restarts: nginx gives an alert for one that is still waited for.
    proxy_cache_path /run/nginx/wordtally keys_zone=wordtally:2m max_size=64m inactive=1m use_temp_path=off;

    # The media type that the instance would choose, where it is plain to see.
    map $http_accept $wordtally_format {
      default "";
      "" text/html;
      "*/*" text/html;
      # It is the first of the formats: named without a quality, it wins over all that follows.
      "~*^text/html *(,|$)" text/html;
      "~*^application/json(, text/plain)?(, \*/\*)?$" application/json;
      text/csv text/csv;
      text/markdown text/markdown;
      text/plain text/plain;
    }
    map $wordtally_format $wordtally_accept {
      "" $http_accept;
      default $wordtally_format;
    }

    # The keys of a query that choose a page. With others alone it chooses nothing, and is left out. Without regard to case,
    # as a text is compared here, an instance would be asked otherwise than it is asked directly.
    map $args $wordtally_query {
      default "";
      "~(?:^|&)(?:format|order)(?:=|&|$)" $args;
    }
    # Which page is asked for: by the name of a file, by the query, by `Accept`. Empty, where an instance is to say.
    map "$wordtally_file;$wordtally_format;$wordtally_query" $wordtally_page {
      default "";
      ";text/html;" text/html;
      ";application/json;" application/json;
      ";text/csv;" text/csv;
      ";text/markdown;" text/markdown;
      ";text/plain;" text/plain;
      "~^;text/html;order=rate$" text/html?order=rate;
      "~^;(?<wordtally_accepted>[^;]+);order=(?:count|rate)$" $wordtally_accepted;
      "~^;[^;]*;(?<wordtally_linked>format=(?:html|json|csv|md|txt))$" $wordtally_linked;
      "~^counts\.html;[^;]*;order=rate$" counts.html?order=rate;
      "~^(?<wordtally_named>[a-z.]+);[^;]*;(?:|order=(?:count|rate))$" $wordtally_named;
    }

    # The content codings, as browsers and the usual clients name them: without qualities, their order says nothing.
    map $http_accept_encoding $wordtally_codings {
      default "";
      "" identity;
      identity identity;
      gzip gzip;
      "gzip, deflate" gzip;
      "gzip, deflate, br" "gzip, br";
      "br, gzip, deflate" "gzip, br";
      "gzip, deflate, br, zstd" "gzip, br, zstd";
      "deflate, gzip, br, zstd" "gzip, br, zstd";
    }
    map $wordtally_codings $wordtally_accept_encoding {
      "" $http_accept_encoding;
      identity "";
      default $wordtally_codings;
    }

    # A page, codings, and no field that asks for an answer of one's own, or that nginx would read otherwise.
    map "$wordtally_page;$wordtally_codings;$http_cache_control$http_pragma$http_x_request_id$http_if_match$http_if_modified_since$http_if_unmodified_since${lib.optionalString byOrigin "$http_origin"}" $wordtally_cache {
      default off;
      "~^[^;]+;[^;]+;$" wordtally;
    }
  '';

  # Files that were opened stay open: without it, nginx opens a copy anew for each request. One for all words.
  server = ''
    open_file_cache max=256 inactive=2s;
    open_file_cache_errors off;
  '';

  location = ''
    set $args $wordtally_query;
    proxy_set_header Accept $wordtally_accept;
    proxy_set_header Accept-Encoding $wordtally_accept_encoding;
    proxy_cache $wordtally_cache;
    proxy_cache_key "$time_iso8601 $proxy_host $wordtally_page $wordtally_codings";
    proxy_cache_min_uses 2;
    proxy_cache_methods GET HEAD;
    proxy_cache_convert_head on;
    # An instance's errors say `no-store`.
    proxy_cache_valid 200 1s;
    # The key has what it names.
    proxy_ignore_headers Vary;
    # One asks, and the others look again so soon after, or ask as well. By itself nginx has them look twice a second.
    proxy_cache_lock on;
    proxy_cache_lock_timeout 10ms;
    proxy_cache_use_stale off;
  '';
}
