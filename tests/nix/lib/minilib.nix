# A small module system with the part of nixpkgs' lib that our modules use, so that they are evaluated on a machine that has Nix and nothing else.
# What is not here is "attribute missing". Where the real lib is at hand, the same modules are evaluated with it, and both have to agree.
let
  inherit (builtins)
    all
    any
    attrNames
    attrValues
    concatLists
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    functionArgs
    genList
    head
    isAttrs
    isBool
    isFloat
    isFunction
    isInt
    isList
    isPath
    isString
    length
    listToAttrs
    map
    mapAttrs
    match
    removeAttrs
    replaceStrings
    sort
    stringLength
    substring
    tail
    toJSON
    ;

  # --- lists, sets, strings
  nameValuePair = name: value: { inherit name value; };
  optional = condition: x: if condition then [ x ] else [ ];
  optionals = condition: xs: if condition then xs else [ ];
  genAttrs = names: f: listToAttrs (map (n: nameValuePair n (f n)) names);
  filterAttrs = keep: set: listToAttrs (concatMap (n: optional (keep n set.${n}) (nameValuePair n set.${n})) (attrNames set));
  unique = foldl' (seen: x: if elem x seen then seen else seen ++ [ x ]) [ ];
  last = xs: elemAt xs (length xs - 1);
  recursiveUpdate = a: b: a // mapAttrs (n: v: if isAttrs v && isAttrs (a.${n} or null) then recursiveUpdate a.${n} v else v) b;
  isDerivation = x: isAttrs x && x.type or null == "derivation";
  isStringLike = x: isString x || isPath x || x ? outPath || x ? __toString;
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix =
    suffix: text:
    let
      rest = stringLength text - stringLength suffix;
    in
    rest >= 0 && substring rest (-1) text == suffix;
  escapeRegex = replaceStrings [ "\\" "." "*" "+" "?" "(" ")" "[" "{" "}" "^" "$" "|" ] [ "\\\\" "\\." "\\*" "\\+" "\\?" "\\(" "\\)" "\\[" "\\{" "\\}" "\\^" "\\$" "\\|" ];

  # --- what a definition can be wrapped in
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };
  wrapped = kind: v: isAttrs v && v._type or null == kind;

  # conditions and priorities of a set apply to each of its attributes
  pushDown =
    v:
    if !isAttrs v then
      throw "expected an attribute set, got ${builtins.typeOf v}"
    else if wrapped "merge" v then
      concatMap pushDown v.contents
    else if wrapped "if" v then
      map (mapAttrs (_: mkIf v.condition)) (pushDown v.content)
    else if wrapped "override" v then
      map (mapAttrs (_: mkOverride v.priority)) (pushDown v.content)
    else
      [ v ];

  discharge =
    v:
    if wrapped "merge" v then
      concatMap discharge v.contents
    else if wrapped "if" v then
      (
        if !isBool v.condition then
          throw "mkIf: its condition is not true or false"
        else if v.condition then
          discharge v.content
        else
          [ ]
      )
    else
      [ v ];
  dischargeAll = defs: concatMap (d: map (value: { inherit (d) file; inherit value; }) (discharge d.value)) defs;

  # the definitions that count: those of the highest priority, in order
  effective =
    defs:
    let
      open = dischargeAll defs;
      priority = d: if wrapped "override" d.value then d.value.priority else 100;
      highest = foldl' (a: d: if priority d < a then priority d else a) 9999 open;
      inner = d: if wrapped "override" d.value then d // { value = d.value.content; } else d;
      left = dischargeAll (map inner (filter (d: priority d == highest) open));
      order = d: if wrapped "order" d.value then d.value.priority else 1000;
      plain = d: if wrapped "order" d.value then d // { value = d.value.content; } else d;
    in
    map plain (sort (a: b: order a < order b) left);

  showOption = concatStringsSep ".";

  mergeDefs =
    loc: type: defs:
    let
      ds = effective defs;
      bad = filter (d: !type.check d.value) ds;
    in
    if ds == [ ] then
      {
        isDefined = false;
        value = throw "The option `${showOption loc}' is used but not defined.";
      }
    else if bad != [ ] then
      {
        isDefined = true;
        value = throw "A definition for option `${showOption loc}' is not of type `${type.description or type.name}'. In `${(head bad).file}'.";
      }
    else
      {
        isDefined = true;
        value = type.merge loc ds;
      };

  mergeEqualOption =
    loc: ds:
    if all (d: d.value == (head ds).value) ds then
      (head ds).value
    else
      throw "The option `${showOption loc}' has conflicting definition values: ${concatStringsSep ", " (map (d: d.file) ds)}";

  # --- types
  mkOptionType = t: { merge = mergeEqualOption; } // t;
  simple = name: check: mkOptionType { inherit name check; };

  types = rec {
    bool = simple "boolean" isBool;
    int = simple "signed integer" isInt;
    float = simple "float" isFloat;
    str = simple "string" isString;
    raw = simple "raw value" (_: true) // {
      merge = loc: ds: if length ds == 1 then (head ds).value else throw "The option `${showOption loc}' is defined multiple times.";
    };
    anything = raw // {
      merge =
        _: ds:
        let
          values = map (d: d.value) ds;
        in
        if all isList values then
          concatLists values
        else if all (v: isAttrs v && !isDerivation v) values then
          foldl' recursiveUpdate { } values
        else
          last values;
    };
    unspecified = anything;
    attrs = anything // {
      check = isAttrs;
    };
    package = simple "package" (x: isDerivation x || (isStringLike x && hasPrefix "/" (toString x)));
    path = simple "absolute path" (x: isStringLike x && hasPrefix "/" (toString x));
    lines = simple "strings concatenated with \"\\n\"" isString // {
      merge = _: ds: concatStringsSep "\n" (map (d: d.value) ds);
    };
    strMatching = pattern: simple "string matching the pattern ${pattern}" (x: isString x && match pattern x != null);
    enum = values: simple "one of ${toJSON values}" (x: elem x values);
    port = ints.between 0 65535;
    ints = {
      between = low: high: simple "integer between ${toString low} and ${toString high} (both inclusive)" (x: isInt x && x >= low && x <= high);
      positive = simple "positive integer, meaning >0" (x: isInt x && x > 0);
      unsigned = simple "unsigned integer, meaning >=0" (x: isInt x && x >= 0);
    };
    nullOr =
      t:
      t
      // {
        name = "null or ${t.name}";
        check = x: x == null || t.check x;
        merge =
          loc: ds:
          if all (d: d.value == null) ds then
            null
          else if any (d: d.value == null) ds then
            throw "The option `${showOption loc}' is defined both null and not null."
          else
            t.merge loc ds;
      };
    either =
      a: b:
      simple "${a.name} or ${b.name}" (x: a.check x || b.check x)
      // {
        merge =
          loc: ds:
          if all (d: a.check d.value) ds then
            a.merge loc ds
          else if all (d: b.check d.value) ds then
            b.merge loc ds
          else
            mergeEqualOption loc ds;
      };
    oneOf = ts: foldl' either (head ts) (tail ts);
    coercedTo =
      from: f: to:
      simple "${to.name} or ${from.name} convertible to it" (x: to.check x || (from.check x && to.check (f x)))
      // {
        merge = loc: ds: to.merge loc (map (d: d // { value = if from.check d.value then f d.value else d.value; }) ds);
      };
    listOf =
      t:
      simple "list of ${t.name}" isList
      // {
        merge =
          loc: ds:
          let
            items = concatMap (d: map (value: { inherit (d) file; inherit value; }) d.value) ds;
            merged = genList (i: mergeDefs (loc ++ [ "[${toString (i + 1)}]" ]) t [ (elemAt items i) ]) (length items);
          in
          concatMap (m: optional m.isDefined m.value) merged;
      };
    nonEmptyListOf = t: listOf t // { check = x: isList x && x != [ ]; };
    attrsOf =
      t:
      simple "attribute set of ${t.name}" isAttrs
      // {
        merge =
          loc: ds:
          let
            parts = concatMap (d: map (value: { inherit (d) file; inherit value; }) (pushDown d.value)) ds;
            names = unique (concatMap (p: attrNames p.value) parts);
            of = n: mergeDefs (loc ++ [ n ]) t (concatMap (p: optional (p.value ? ${n}) { inherit (p) file; value = p.value.${n}; }) parts);
          in
          mapAttrs (_: m: m.value) (filterAttrs (_: m: m.isDefined) (genAttrs names of));
      };
    lazyAttrsOf = attrsOf;
    submodule =
      m:
      simple "submodule" (x: isAttrs x || isFunction x || isPath x)
      // {
        merge =
          loc: ds:
          removeAttrs (evalModules {
            prefix = loc;
            specialArgs.name = last loc;
            modules =
              (if isList m then m else [ m ])
              ++ map (d: if isAttrs d.value then { _file = d.file; config = d.value; } else d.value) ds;
          }).config [ "_module" ];
      };
  };

  # --- modules
  isOption = x: isAttrs x && x._type or null == "option";

  evalModules =
    {
      modules,
      specialArgs ? { },
      prefix ? [ ],
      class ? null,
    }:
    let
      load =
        from: m:
        let
          isFile = isPath m || isString m;
          file = if isFile then toString m else from;
          content = if isFile then import m else m;
          wanted = functionArgs content;
          argument = n: arguments.${n} or (config._module.args.${n} or (throw "module argument `${n}' missing (${file})"));
          value =
            if !isFunction content then
              content
            else
              content (if wanted == { } then arguments else mapAttrs (n: _: argument n) (filterAttrs (n: optionalArg: !optionalArg || arguments ? ${n}) wanted));
          full = value ? options || value ? config;
          known = [ "imports" "_file" "key" "_module" "disabledModules" "_class" ];
          extra = if full then attrNames (removeAttrs value (known ++ [ "options" "config" "meta" ])) else [ ];
          self = value._file or file;
        in
        if extra != [ ] then
          throw "Module `${self}' has an unsupported attribute `${head extra}'."
        else
          [
            {
              file = self;
              key = if isFile then file else null;
              options = value.options or { };
              config = if full then value.config or { } else removeAttrs value known;
              args = value._module.args or { };
            }
          ]
          ++ concatMap (load self) (value.imports or [ ]);

      loaded = dedup (concatMap (load "<unknown>") modules);
      # a file that is imported twice counts once
      dedup = foldl' (seen: m: if m.key != null && any (other: other.key == m.key) seen then seen else seen ++ [ m ]) [ ];
      # what a module asks for besides (pkgs) is looked up when it is used: it comes from other modules
      arguments = {
        inherit lib config options;
      } // specialArgs;

      declare =
        loc: sets:
        genAttrs (unique (concatMap attrNames sets)) (
          n:
          let
            found = concatMap (s: optional (s ? ${n}) s.${n}) sets;
            here = loc ++ [ n ];
          in
          if !any isOption found then
            declare here found
          else if length found > 1 then
            throw "The option `${showOption here}' is already declared."
          else
            head found
        );
      options = declare prefix (map (m: m.options) loaded);

      evaluate =
        loc: declared: defs:
        let
          parts = concatMap (d: map (value: { inherit (d) file; inherit value; }) (pushDown d.value)) defs;
          defsOf = n: concatMap (p: optional (p.value ? ${n}) { inherit (p) file; value = p.value.${n}; }) parts;
          unknown = concatMap (p: map (n: { inherit n; inherit (p) file; }) (filter (n: !(declared ? ${n}) && n != "_module") (attrNames p.value))) parts;
          valueOf =
            n: o:
            let
              here = loc ++ [ n ];
              given = effective (defsOf n);
              default = optional (o ? default) {
                file = "its default";
                value = mkOverride 1500 o.default;
              };
              merged = mergeDefs here o.type (defsOf n ++ default);
              value = if o.readOnly or false && length given > 1 then throw "The option `${showOption here}' is read-only, but it is set multiple times." else merged.value;
            in
            if isOption o then (if o ? apply then o.apply value else value) else evaluate here o (defsOf n);
        in
        if unknown != [ ] then
          throw "The option `${showOption (loc ++ [ (head unknown).n ])}' does not exist. Definition in `${(head unknown).file}'."
        else
          mapAttrs valueOf declared;

      config = evaluate prefix options (map (m: { inherit (m) file; value = m.config; }) loaded) // {
        _module.args = foldl' (a: m: a // m.args) { } loaded;
      };
    in
    {
      inherit config options;
    };

  lib = {
    inherit
      all any attrNames attrValues concatLists concatMap concatStringsSep elem elemAt filter foldl' genList head isAttrs isBool isFunction
      isInt isList isString length listToAttrs map mapAttrs match removeAttrs replaceStrings sort stringLength substring tail
      ;
    inherit
      evalModules escapeRegex filterAttrs genAttrs hasPrefix hasSuffix isDerivation last mergeEqualOption mkIf mkMerge mkOptionType mkOverride
      nameValuePair optional optionals recursiveUpdate showOption types unique
      ;
    inherit (builtins) hasAttr isPath typeOf;
    mkOption = o: o // { _type = "option"; };
    mkEnableOption =
      what:
      lib.mkOption {
        type = types.bool;
        default = false;
        description = "Whether to enable ${what}.";
      };
    mkForce = mkOverride 50;
    mkDefault = mkOverride 1000;
    mkOptionDefault = mkOverride 1500;
    mkBefore = content: { _type = "order"; priority = 500; inherit content; };
    mkAfter = content: { _type = "order"; priority = 1500; inherit content; };
    literalExpression = text: text;
    id = x: x;
    mapAttrs' = f: set: listToAttrs (map (n: f n set.${n}) (attrNames set));
    mapAttrsToList = f: set: map (n: f n set.${n}) (attrNames set);
    optionalAttrs = condition: set: if condition then set else { };
    optionalString = condition: text: if condition then text else "";
    concatStrings = concatStringsSep "";
    concatMapStrings = f: xs: concatStringsSep "" (map f xs);
    concatMapStringsSep = separator: f: xs: concatStringsSep separator (map f xs);
    concatLines = xs: concatStringsSep "" (map (l: "${l}\n") xs);
    imap1 = f: xs: genList (i: f (i + 1) (elemAt xs i)) (length xs);
    removePrefix = prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
    removeSuffix = suffix: text: if hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;
    splitString = separator: text: filter isString (builtins.split (escapeRegex separator) text);
    makeBinPath = xs: concatStringsSep ":" (map (p: "${p}/bin") xs);
    versionAtLeast = a: b: builtins.compareVersions a b >= 0;
    versions.majorMinor = v: concatStringsSep "." (map (elemAt (builtins.splitVersion v)) [ 0 1 ]);
    fetchers.proxyImpureEnvVars = [ ];
  };
in
lib
