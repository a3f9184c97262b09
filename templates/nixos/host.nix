{
  networking.hostName = "shakespeare";
  system.stateVersion = "26.05";

  services.wordtally = {
    enable = true;
    # Outside the store, which everyone can read. Without it, the machine's own identity at Google.
    defaults.credentialFile = "/var/lib/secrets/bigquery.json";
    instances = {
      love.word = "love";
      love.listen = "127.0.0.1:8081";
      romeo.word = "Romeo";
      romeo.listen = "127.0.0.1:8082";
    };
  };
}
