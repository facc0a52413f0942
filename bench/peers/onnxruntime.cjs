// One side of compare.py: runs an ONNX model with onnxruntime-node.
//   node onnxruntime.cjs MODEL.onnx INPUT.f32 "1,3,224,224" THREADS WARMUP REPEATS
// prints {"version", "milliseconds": [..], "logits": [..]}. NODE_PATH names the folder that has onnxruntime-node.
const fs = require("fs");
const ort = require("onnxruntime-node");

async function main([model, input, shape, threads, warmup, repeats]) {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["cpu"],
    intraOpNumThreads: Number(threads),
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
  });
  const bytes = fs.readFileSync(input);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", values, shape.split(",").map(Number)) };

  const milliseconds = [];
  let outputs;
  for (let i = -Number(warmup); i < Number(repeats); ++i) {
    const begin = performance.now();
    outputs = await session.run(feeds);
    if (i >= 0) milliseconds.push(performance.now() - begin);
  }
  const logits = Array.from(outputs[session.outputNames[0]].data);
  console.log(JSON.stringify({ version: require("onnxruntime-node/package.json").version, milliseconds, logits }));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(String(error));
  process.exit(1);
});
