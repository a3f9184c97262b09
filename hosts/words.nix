# Which words are counted where. One entry is one instance: its name is that of its unit and of its path at the reverse
# proxy; its word may be anything. Mock production counts production's words. A release that answers another count than
# the expected one is rolled back: `bigquery` are the counts of Google's table, `standin` those of the stand-in's editions.
{
  dev = {
    the = {
      word = "the";
      port = 8081;
      expectedCounts.standin.hamlet = 989;
    };
    love = {
      word = "love";
      port = 8082;
      expectedCounts.standin.hamlet = 67;
    };
  };

  prod = {
    the = {
      word = "the";
      expectedCounts = {
        bigquery.hamlet = 995;
        standin.hamlet = 989;
      };
    };
    love = {
      word = "love";
      expectedCounts = {
        bigquery.hamlet = 67;
        standin.hamlet = 67;
      };
    };
    romeo = {
      word = "Romeo";
      expectedCounts = {
        bigquery.romeoandjuliet = 117;
        standin.romeoandjuliet = 114;
      };
    };
    tis = {
      word = "'Tis";
      expectedCounts = {
        bigquery.hamlet = 25;
        standin.hamlet = 25;
      };
    };
  };
}
