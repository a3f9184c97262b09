# The reverse proxy's cache: the second request for a page within a second caches it for the rest of that second.
#
# The second is part of the key. A copy is served only in the second of its creation, so `Age` is never more than one second
# behind, whatever an instance or the host's other settings say about how long to keep it.
#
# The key and the request to the instance are made of the same few values, so a client's header fields can neither fill the
# cache nor change what another client gets from it. A request that those values do not describe goes to the instance.
# `byOrigin`: the instance's response depends on the origin of the requesting page.
{ lib, byOrigin }:
{
  # Every name has the prefix, so that it cannot conflict with the host's own.
  http = ''
    # On a tmpfs, because a copy is useless after its second. It is kept for longer than a request may wait for an instance
    # that restarts, because nginx logs an alert when it removes an entry that a request still waits for.
    proxy_cache_path /run/nginx/wordtally keys_zone=wordtally:2m max_size=64m inactive=1m use_temp_path=off;

    # The media type that the instance would choose, if it is obvious.
    map $http_accept $wordtally_format {
      default "";
      "" text/html;
      "*/*" text/html;
      # HTML is the first of the formats: if it is named without a quality, it wins over all that follow.
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

    # The keys of a query that choose a page. A query with only other keys chooses nothing and is left out. The pattern is case
    # sensitive: nginx compares plain text without regard to case, which the instance does not.
    map $args $wordtally_query {
      default "";
      "~(?:^|&)(?:format|order)(?:=|&|$)" $args;
    }
    # The requested page: by the name of a file, by the query, or by `Accept`. Empty if the instance has to decide.
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

    # The content codings, as browsers and common clients name them: without qualities, their order has no meaning.
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

    # A page and codings, without any field that asks for an individual response or that nginx would interpret differently.
    map "$wordtally_page;$wordtally_codings;$http_cache_control$http_pragma$http_x_request_id$http_if_match$http_if_modified_since$http_if_unmodified_since${lib.optionalString byOrigin "$http_origin"}" $wordtally_cache {
      default off;
      "~^[^;]+;[^;]+;$" wordtally;
    }
  '';

  # Opened files stay open: otherwise nginx would open a copy for each request. One cache for all words.
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
    # The key contains the fields that Vary names.
    proxy_ignore_headers Vary;
    # One request goes to the instance; the others check again after this time, or go there too. By default they check only
    # twice a second.
    proxy_cache_lock on;
    proxy_cache_lock_timeout 10ms;
    proxy_cache_use_stale off;
  '';
}
