// What an application does with the AWS SDK for JavaScript v3, told as one JSON document on standard output.
// Endpoint, region and credentials are where the SDK looks for them: in the environment.

const { createRequire } = require("node:module");
const path = require("node:path");

const packages = createRequire(path.join(process.argv[2], "package.json"));
const dynamodb = packages("@aws-sdk/client-dynamodb");
const streams = packages("@aws-sdk/client-dynamodb-streams");
const documents = packages("@aws-sdk/lib-dynamodb");

const TableName = "orders";

async function errorOf(promise) {
  try {
    await promise;
  } catch (error) {
    return { name: error.name, reasons: error.CancellationReasons?.map((reason) => reason.Code), item: error.Item };
  }
  return null;
}

async function main() {
  const client = new dynamodb.DynamoDBClient({ maxAttempts: 1 });
  const document = documents.DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  const told = {};

  await client.send(
    new dynamodb.CreateTableCommand({
      TableName,
      AttributeDefinitions: [
        { AttributeName: "customer", AttributeType: "S" },
        { AttributeName: "number", AttributeType: "N" },
      ],
      KeySchema: [
        { AttributeName: "customer", KeyType: "HASH" },
        { AttributeName: "number", KeyType: "RANGE" },
      ],
      BillingMode: "PAY_PER_REQUEST",
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
    }),
  );
  await dynamodb.waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName });

  const item = {
    customer: "types",
    number: 1,
    text: "é\u{1F600}",
    bytes: new Uint8Array([0, 255]),
    words: new Set(["a", "b"]),
    deep: { list: [1, null, true, { empty: "" }] },
    gone: undefined,
  };
  await document.send(new documents.PutCommand({ TableName, Item: item }));
  const read = (await document.send(new documents.GetCommand({ TableName, Key: { customer: "types", number: 1 } }))).Item;
  told.read = { ...read, bytes: [...read.bytes], words: [...read.words].sort() };

  const puts = Array.from({ length: 25 }, (_, number) => ({ PutRequest: { Item: { customer: "many", number } } }));
  const written = await document.send(new documents.BatchWriteCommand({ RequestItems: { [TableName]: puts } }));
  told.unprocessed = written.UnprocessedItems;
  told.numbers = [];
  const query = {
    TableName,
    KeyConditionExpression: "customer = :c AND #n < :n",
    ExpressionAttributeNames: { "#n": "number" },
    ExpressionAttributeValues: { ":c": "many", ":n": 10 },
  };
  for await (const page of documents.paginateQuery({ client: document, pageSize: 4 }, query)) {
    told.numbers.push(page.Items.map((each) => each.number));
  }

  const updated = await document.send(
    new documents.UpdateCommand({
      TableName,
      Key: { customer: "many", number: 1 },
      UpdateExpression: "SET amount = if_not_exists(amount, :zero) + :five",
      ExpressionAttributeValues: { ":zero": 0, ":five": 5 },
      ReturnValues: "UPDATED_NEW",
    }),
  );
  told.updated = updated.Attributes;

  told.condition = await errorOf(
    document.send(
      new documents.PutCommand({
        TableName,
        Item: { customer: "many", number: 1 },
        ConditionExpression: "attribute_not_exists(customer)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    ),
  );
  told.transaction = await errorOf(
    document.send(
      new documents.TransactWriteCommand({
        TransactItems: [
          { Put: { TableName, Item: { customer: "never", number: 1 } } },
          {
            ConditionCheck: {
              TableName,
              Key: { customer: "absent", number: 1 },
              ConditionExpression: "attribute_exists(customer)",
            },
          },
        ],
      }),
    ),
  );
  told.missing = await errorOf(client.send(new dynamodb.DescribeTableCommand({ TableName: "nowhere" })));
  told.statement = (
    await document.send(
      new documents.ExecuteStatementCommand({
        Statement: `SELECT amount FROM "${TableName}" WHERE customer = ? AND "number" = ?`,
        Parameters: ["many", 1],
      }),
    )
  ).Items;

  const streaming = new streams.DynamoDBStreamsClient({ maxAttempts: 1 });
  const table = (await client.send(new dynamodb.DescribeTableCommand({ TableName }))).Table;
  const described = await streaming.send(new streams.DescribeStreamCommand({ StreamArn: table.LatestStreamArn }));
  told.records = 0;
  for (const shard of described.StreamDescription.Shards) {
    const { ShardIterator } = await streaming.send(
      new streams.GetShardIteratorCommand({
        StreamArn: table.LatestStreamArn,
        ShardId: shard.ShardId,
        ShardIteratorType: "TRIM_HORIZON",
      }),
    );
    told.records += (await streaming.send(new streams.GetRecordsCommand({ ShardIterator }))).Records.length;
  }

  await client.send(new dynamodb.DeleteTableCommand({ TableName }));
  await dynamodb.waitUntilTableNotExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName });
  console.log(JSON.stringify(told));
}

main();
