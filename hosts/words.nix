# Which words are counted where. One line is one instance: its name is that of its unit and of its path at the front
# door; its word may be anything. Mock production counts production's words.
{
  dev = {
    the = {
      word = "the";
      port = 8081;
    };
    love = {
      word = "love";
      port = 8082;
    };
  };

  prod = {
    the = {
      word = "the";
    };
    love = {
      word = "love";
    };
    romeo = {
      word = "Romeo";
    };
    tis = {
      word = "'Tis";
    };
  };
}
