# The image that anybody flashes: nobody's keys, no host id of its own. Its way in is the browser, by the code on its screen.
{
  services.dplaneos = {
    headless = false;
    storage.hostIdPerMachine = true;
  };
}
