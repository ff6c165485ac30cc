# What an evaluated system comes to, as plain data: every value is forced, so that an error anywhere in it is seen.
{ lib }:
system:
let
  c = system.config;
  failed = map (a: a.message) (lib.filter (a: !a.assertion) c.assertions);
  # a stand-in says what it would hold, which is looked at as well
  store = x: if x == null then null else { path = "${x}"; holds = x.text or null; };
  unit = u: {
    inherit (u) description enable aliases wantedBy requiredBy wants requires after before conflicts unitConfig;
  };
  view = {
    etc = lib.mapAttrs (_: e: { inherit (e) enable text; source = store e.source; }) c.environment.etc;
    home = store c.services.dplaneos.home;
    packages = map store c.environment.systemPackages;
    services = lib.mapAttrs (_: s: unit s // { inherit (s) script serviceConfig restartIfChanged; environment = lib.mapAttrs (_: store) s.environment; path = map store s.path; restartTriggers = map store s.restartTriggers; }) c.systemd.services;
    targets = lib.mapAttrs (_: unit) c.systemd.targets;
    unitPackages = map store c.systemd.packages;
    tmpfiles = c.systemd.tmpfiles.rules;
    activation = lib.mapAttrs (_: a: { inherit (a) text deps; }) c.system.activationScripts;
    inherit (c) fileSystems;
    persistence = lib.mapAttrs (_: p: {
      inherit (p) hideMounts;
      directories = map (d: { directory = d.directory or d; user = d.user or "root"; mode = d.mode or "0755"; }) p.directories;
      files = map (f: f.file or f) p.files;
    }) c.environment.persistence;
    users = lib.mapAttrs (_: u: { inherit (u) isSystemUser isNormalUser uid group home description extraGroups hashedPassword; keys = u.openssh.authorizedKeys.keys or [ ]; }) c.users.users;
    groups = lib.mapAttrs (_: g: g.gid) c.users.groups;
    inherit (c.users) mutableUsers allowNoPasswordLogin;
    ssh = { inherit (c.services.openssh) enable openFirewall settings hostKeys; };
    samba = { inherit (c.services.samba) enable; nmbd = c.services.samba.nmbd.enable; package = store c.services.samba.package; };
    discovery = { avahi = { inherit (c.services.avahi) enable openFirewall publish; }; wsdd = { inherit (c.services.samba-wsdd) enable openFirewall; }; };
    nfs = c.services.nfs.server.enable;
    firewall = { inherit (c.networking.firewall) enable allowedTCPPorts; nftables = c.networking.nftables.enable; };
    inherit (c.networking) hostId hostName useNetworkd useDHCP;
    boot = {
      kernel = c.boot.kernelPackages.kernel.version;
      zfs = c.boot.zfs.package.version;
      module = c.boot.zfs.modulePackage.version;
      inherit (c.boot) kernelParams kernelModules extraModprobeConfig supportedFilesystems;
      inherit (c.boot.zfs) forceImportRoot forceImportAll;
      inherit (c.boot.initrd.systemd) enable;
      udev = map store c.boot.initrd.services.udev.packages;
      hook = c.boot.loader.external.enable;
      installHook = if c.boot.loader.external.enable then store c.boot.loader.external.installHook else null;
    };
    udev = map store c.services.udev.packages;
    nix = { inherit (c.nix) settings; gc = { inherit (c.nix.gc) automatic dates options; }; };
    zram = c.zramSwap.enable;
    podman = c.virtualisation.podman.enable;
    release = { inherit (c.services.dplaneos.release) version index; };
    stateVersion = c.system.stateVersion;
  };
in
if failed != [ ] then throw "Failed assertions:\n${lib.concatMapStringsSep "\n" (m: "- ${m}") failed}" else view
