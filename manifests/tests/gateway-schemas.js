// Prints the schemas that the Gateway API's models register, by name: that of an HTTPRoute, and those to which it refers.
// They belong to the API's first v1; later versions of the models have compiled checks, which allow unknown fields.
const models = require("@kubernetes-models/validate");

const schemas = {};
const register = models.register;
models.register = (name, schema) => {
  schemas[name] = schema;
  register(name, schema);
};

const { HTTPRoute } = require("@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute");
new HTTPRoute({ metadata: { name: "any" }, spec: {} }).validate();
console.log(JSON.stringify(schemas));
