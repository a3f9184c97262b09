{
  services.wordtally = {
    enable = true;
    # Keep it outside the store, which everyone can read. Remove this line to use the machine's own identity at Google.
    defaults.credentialFile = "/var/lib/secrets/bigquery.json";
    instances = {
      love.word = "love";
      love.listen = "127.0.0.1:8081";
      romeo.word = "Romeo";
      romeo.listen = "127.0.0.1:8082";
    };
  };
}
