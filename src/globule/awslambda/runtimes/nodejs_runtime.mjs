// The Node.js runtime: what stands between the Runtime API and a handler, inside a function's own process.
//
// One file without packages. It loads the handler (CommonJS or ES module) and then answers one invocation after
// another over a raw socket, the request for the next one in the same packet as each answer
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html). Handlers may be async, or use the callback, or
// the older context methods (https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html).
//
// Lines that belong to one log event are joined by a carriage return, which the reader of our output turns back.

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import util from 'node:util';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const NEXT = 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n';
const HEAD_END = Buffer.from('\r\n\r\n');

class Fault extends Error {
  constructor(kind, message) {
    super(message);
    this.name = kind;
  }
}

// Requests out, responses in. Responses that carry no invocation (202 to an answer) are passed over.
class Connection {
  constructor(address, onInvocation) {
    const colon = address.lastIndexOf(':');
    this.onInvocation = onInvocation;
    this.buffer = Buffer.alloc(0);
    this.pieces = []; // what has arrived beyond `buffer` of a body that is not whole
    this.missing = 0;
    this.socket = net.connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)), noDelay: true });
    this.socket.on('data', (data) => this.receive(data));
    // The region is gone, and with it everybody who could want an answer.
    this.socket.on('error', () => process.exit(0));
    this.socket.on('close', () => process.exit(0));
  }

  ask() {
    this.socket.write(NEXT);
  }

  send(where, body, { error = '', then = '', done } = {}) {
    const bytes = Buffer.from(body);
    const kind = error ? `Lambda-Runtime-Function-Error-Type: ${error}\r\n` : '';
    const head = `POST /2018-06-01/runtime/${where} HTTP/1.1\r\nHost: runtime\r\n${kind}Content-Length: ${bytes.length}\r\n\r\n`;
    this.socket.write(Buffer.concat([Buffer.from(head), bytes, Buffer.from(then)]), done);
  }

  receive(data) {
    if (this.missing > data.length) {
      this.pieces.push(data);
      this.missing -= data.length;
      return;
    }
    this.buffer = Buffer.concat([this.buffer, ...this.pieces, data]);
    this.pieces = [];
    this.missing = 0;
    for (;;) {
      const end = this.buffer.indexOf(HEAD_END);
      if (end < 0) return;
      const lines = this.buffer.toString('latin1', 0, end).split('\r\n');
      const fields = {};
      for (const line of lines.slice(1)) {
        const colon = line.indexOf(':');
        fields[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      const whole = end + HEAD_END.length + Number(fields['content-length'] ?? 0);
      if (this.buffer.length < whole) {
        this.missing = whole - this.buffer.length;
        return;
      }
      const body = this.buffer.toString('utf8', end + HEAD_END.length, whole);
      this.buffer = this.buffer.subarray(whole);
      if ('lambda-runtime-aws-request-id' in fields) this.onInvocation(fields, body);
    }
  }
}

// Errors as AWS shows them.

function errorBody(error) {
  if (error instanceof Error) {
    return {
      errorType: error.name,
      errorMessage: error.message,
      trace: (error.stack ?? '').split('\n'),
    };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function logError(label, body) {
  write('ERROR', [`${label}\t${JSON.stringify({ ...body, stack: body.trace, trace: undefined })}`]);
}

// The console writes one event a call: time, request id, level, text.

let requestId = '';

function write(level, values) {
  const text = util.format(...values);
  const line =
    process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON'
      ? JSON.stringify({ timestamp: new Date().toISOString(), level, requestId, message: text })
      : `${new Date().toISOString()}\t${requestId || 'undefined'}\t${level}\t${text}`;
  fs.writeSync(1, line.replaceAll('\n', '\r') + '\n');
}

for (const [method, level] of Object.entries({
  log: 'INFO', info: 'INFO', debug: 'DEBUG', trace: 'TRACE', warn: 'WARN', error: 'ERROR', fatal: 'FATAL',
})) {
  console[method] = (...values) => write(level, values);
}

globalThis.awslambda = {
  streamifyResponse() {
    throw new Fault('Runtime.Unsupported', 'Globule does not support response streaming (awslambda.streamifyResponse)');
  },
};

// Finding the handler.

async function load(name) {
  const root = process.env.LAMBDA_TASK_ROOT;
  const found = /^(.*?)([^/]*?)\.([^/]*)$/.exec(name);
  if (!found || !found[2]) throw new Fault('Runtime.MalformedHandlerName', 'Bad handler');
  const [, folder, stem, property] = found;
  const base = path.resolve(root, folder, stem);
  const file = [base, `${base}.js`, `${base}.mjs`, `${base}.cjs`].find((candidate) => {
    return fs.statSync(candidate, { throwIfNoEntry: false })?.isFile();
  });
  if (!file) {
    throw new Fault('Runtime.ImportModuleError', `Error: Cannot find module '${stem}'\nRequire stack:\n- ${base}`);
  }
  let module;
  try {
    module = file === base ? createRequire(base)(base) : await import(pathToFileURL(file));
  } catch (error) {
    if (error instanceof SyntaxError) {
      const fault = new Fault('Runtime.UserCodeSyntaxError', String(error));
      fault.stack = error.stack;
      throw fault;
    }
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') {
      const fault = new Fault('Runtime.ImportModuleError', String(error));
      fault.stack = error.stack;
      throw fault;
    }
    throw error;
  }
  const look = (start) => property.split('.').reduce((value, key) => value?.[key], start);
  const handler = look(module) ?? look(module?.default);
  if (handler === undefined) throw new Fault('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw new Fault('Runtime.HandlerNotFound', `${name} is not a function`);
  return handler;
}

// One invocation. `finish` is called once, with the answer.

let unanswered = null; // takes the answer when the event loop is empty before the handler has said anything

function invoke(handler, fields, payload, finish) {
  const deadline = Number(fields['lambda-runtime-deadline-ms']);
  let over = false;
  const end = (error, result) => {
    if (over) return;
    over = true;
    unanswered = null;
    finish(error, result);
  };
  // With callbackWaitsForEmptyEventLoop the answer is kept until nothing else is to be done.
  const callback = (error, result) => {
    if (context.callbackWaitsForEmptyEventLoop) unanswered = () => end(error, result);
    else end(error, result);
  };
  const given = (name) => (fields[name] ? JSON.parse(fields[name]) : undefined);
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: given('lambda-runtime-client-context'),
    identity: given('lambda-runtime-cognito-identity'),
    invokedFunctionArn: fields['lambda-runtime-invoked-function-arn'],
    awsRequestId: fields['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done: (error, result) => end(error, result),
    succeed: (result) => end(null, result),
    fail: (error) => end(error ?? 'handled'),
  };
  unanswered = () => end(null, undefined);
  let event;
  try {
    event = JSON.parse(payload);
  } catch (error) {
    end(new Fault('Runtime.UnmarshalError', `Unable to unmarshal input: ${error.message}`));
    return;
  }
  try {
    const result = handler(event, context, callback);
    if (typeof result?.then === 'function') result.then((value) => end(null, value), (error) => end(error));
  } catch (error) {
    end(error);
  }
}

function answer(connection, error, result) {
  connection.socket.ref();
  let body;
  if (error === null || error === undefined) {
    try {
      body = JSON.stringify(result === undefined ? null : result);
    } catch (failure) {
      error = new Fault('Runtime.MarshalError', `Unable to stringify response body as json: ${failure.message}`);
    }
  }
  const where = `invocation/${requestId}`;
  if (error !== null && error !== undefined) {
    const failure = errorBody(error);
    logError('Invoke Error', failure);
    connection.send(`${where}/error`, JSON.stringify(failure), { error: failure.errorType, then: NEXT });
  } else {
    connection.send(`${where}/response`, body, { then: NEXT });
  }
}

let handler;
const connection = new Connection(process.env.AWS_LAMBDA_RUNTIME_API, (fields, body) => {
  requestId = fields['lambda-runtime-aws-request-id'];
  const trace = fields['lambda-runtime-trace-id'];
  if (trace) process.env._X_AMZN_TRACE_ID = trace;
  else delete process.env._X_AMZN_TRACE_ID;
  connection.socket.unref(); // so that `beforeExit` tells when the handler has nothing left to do
  invoke(handler, fields, body, (error, result) => answer(connection, error, result));
});

process.on('beforeExit', () => unanswered?.());
process.on('uncaughtException', (error) => crash('Uncaught Exception', errorBody(error)));
process.on('unhandledRejection', (reason) => {
  crash('Unhandled Promise Rejection', {
    errorType: 'Runtime.UnhandledPromiseRejection',
    errorMessage: String(reason),
    trace: (reason?.stack ?? '').split('\n'),
  });
});

function crash(label, failure) {
  logError(label, failure);
  connection.socket.ref();
  const where = requestId ? `invocation/${requestId}/error` : 'init/error';
  connection.send(where, JSON.stringify(failure), { error: failure.errorType, done: () => process.exit(requestId ? 129 : 1) });
}

const asked = /nodejs(\d+)\..*/.exec(process.env.AWS_EXECUTION_ENV);
const here = process.versions.node;
if (asked && asked[1] !== here.split('.')[0]) {
  fs.writeSync(1, `[globule] the template asks for ${asked[0]}; this machine's Node.js ${here} runs it\n`);
}
try {
  handler = await load(process.env._HANDLER);
  connection.ask();
} catch (error) {
  crash('Uncaught Exception', errorBody(error));
}
