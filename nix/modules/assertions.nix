# The mistakes in the instances, each as one sentence that says where it is and what would be right.
{ lib }:
let
  parse = import ./listen.nix { inherit lib; };
  variables = import ./variables.nix;

  all = "services.wordtally.instances";
  refused = message: {
    assertion = false;
    inherit message;
  };
  inStore = path: path != null && lib.hasPrefix builtins.storeDir (toString path);

  # Mistakes in one instance.
  own =
    isUnitName: name: instance:
    let
      option = "${all}.${name}";
      parsed = parse instance.listen;
      isVariable = variable: builtins.match "[A-Za-z_][A-Za-z0-9_]*" variable != null;
      # systemd splits such a list at spaces, and a source from its target at a colon.
      isPath = path: builtins.match "-?/[^[:space:]:\"'\\%]*" path != null;
    in
    lib.optional (
      instance.word == ""
    ) "${option}.word is empty: give the word to count, such as \"the\"."
    ++
      lib.optional (!isUnitName name)
        "${all}: '${name}' is not a valid name for a unit: use letters, digits, '-' and '_', and set `word` to the word to count."
    ++ lib.optional (parsed ? fault) "${option}.listen is '${instance.listen}': ${parsed.fault}."
    ++ lib.optional (inStore instance.credentialFile) "${option}.credentialFile is in the store, which everyone can read: give the path of a file outside it, such as an agenix secret."
    ++
      map
        (
          variable:
          if variables ? ${variable} then
            "${option}.extraEnvironment sets ${variable}: set the option `${variables.${variable}}` instead."
          else
            "${option}.extraEnvironment has '${variable}', which is not a valid name for a variable: use letters, digits and '_'."
        )
        (
          lib.filter (variable: variables ? ${variable} || !isVariable variable) (
            lib.attrNames instance.extraEnvironment
          )
        )
    ++ map (
      path:
      "${option}.extraReadOnlyPaths has '${path}': give an absolute path without spaces, quotes, colons, backslashes or percent signs, such as /run/workload-identity."
    ) (lib.filter (path: !isPath path) instance.extraReadOnlyPaths);

  # Conflicts between two instances.
  between =
    instances:
    let
      parsed = lib.filterAttrs (_: listen: listen ? key) (
        lib.mapAttrs (_: instance: parse instance.listen) instances
      );
      names = lib.attrNames parsed;
      same = lib.groupBy (name: parsed.${name}.key) names;
      byPort = lib.groupBy (name: toString parsed.${name}.port) (
        lib.filter (name: parsed.${name} ? port) names
      );
      # `[::]` includes every IPv4 address, unless the kernel is configured otherwise.
      covers =
        wide: other: wide.everywhere && wide.key != other.key && (wide.family == 6 || other.family == 4);
      covered =
        group:
        lib.concatMap (
          wide:
          map (
            name:
            "${all}: ${wide} listens on ${instances.${wide}.listen}, which takes the port on every address, so ${name} cannot listen on ${instances.${name}.listen}: give it another port."
          ) (lib.filter (name: covers parsed.${wide} parsed.${name}) group)
        ) group;
    in
    lib.mapAttrsToList (
      _: together:
      "${all}: ${lib.concatStringsSep " and " together} both listen on ${
        instances.${lib.head together}.listen
      }: give each its own `listen`."
    ) (lib.filterAttrs (_: together: lib.length together > 1) same)
    ++ lib.concatMap covered (lib.attrValues byPort);
in
{ isUnitName }:
instances:
map refused (lib.concatLists (lib.mapAttrsToList (own isUnitName) instances) ++ between instances)
