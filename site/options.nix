# A page with every option of the modules, in Markdown, from what the modules declare.
{
  lib,
  writeText,
  nixosOptionsDoc,
  options,
}:
let
  # As nixpkgs' manual takes them: visible ones, by name, with their literals written out.
  documented = nixosOptionsDoc {
    options = {
      inherit (options.services) wordtally bigquery-standin;
    };
    # A path in the store says nothing to a reader.
    transformOptions = option: option // { declarations = [ ]; };
  };

  literal = value: if value._type or "" == "literalMD" then value.text else fenced value.text;
  fenced =
    text: if lib.hasInfix "\n" text then "\n\n```nix\n${lib.trim text}\n```" else "`${lib.trim text}`";
  field = name: value: lib.optionalString (value != null) "\n*${name}:* ${value}\n";
  section = name: option: ''
    ## `${name}`

    ${lib.trim (option.description or "")}
    ${field "Type" option.type}${field "Default" (lib.mapNullable literal (option.default or null))}${
      field "Example" (lib.mapNullable literal (option.example or null))
    }'';
in
writeText "all-nixos-options.md" ''
  # All NixOS options

  This page is made from the modules. [NixOS options](nixos-options.md) and [Reverse proxy and
  monitoring](reverse-proxy-and-monitoring.md) explain them.

  ${lib.concatStringsSep "\n" (lib.mapAttrsToList section documented.optionsNix)}
''
