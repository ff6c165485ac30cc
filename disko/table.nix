# The partitions of a D-PlaneOS disk, in their order. The labels are the interface: initrd, updater and verdict know nothing else.
# Sizes in MiB; null takes the rest. The types are not the "root" ones of the discoverable partitions specification: nothing but our initrd picks a root.
{
  esp = {
    priority = 1;
    label = "esp";
    type = "EF00";
    mib = 1024;
  };
  system-a = {
    priority = 2;
    label = "system-a";
    type = "8300";
    mib = 8192;
  };
  system-b = {
    priority = 3;
    label = "system-b";
    type = "8300";
    mib = 8192;
  };
  persist = {
    priority = 4;
    label = "persist";
    type = "8300";
    mib = null;
  };
}
