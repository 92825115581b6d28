// The workers of one event source mapping, and which of them a record goes to.
import { hash } from '../faults/random.ts';
import { Lane, type Delivery, type LaneOptions } from './lane.ts';

/** The engine has one shard; AWS has one per partition at least. */
const virtualShards = 4;

export class Lanes {
  private readonly parallelizationFactor: number;
  private readonly options: LaneOptions;
  private readonly lanes = new Map<string, Lane>();
  private singly = false;

  constructor(parallelizationFactor: number, options: LaneOptions) {
    this.parallelizationFactor = parallelizationFactor;
    this.options = options;
  }

  /** It goes to another worker than those of its item before it: these must have come to an end. */
  mustBeIdleFor({ fault }: Delivery): boolean {
    return fault.singly !== this.singly;
  }

  push(delivery: Delivery): void {
    this.singly = delivery.fault.singly;
    this.laneOf(delivery).push(delivery);
  }

  async idle(): Promise<void> {
    await Promise.all([...this.lanes.values()].map((lane) => lane.idle()));
  }

  /**
   * A shard holds whole partitions; its workers share its items among them. So with a parallelization factor above
   * one, items of one partition overtake each other, and the records of one item never do.
   */
  private laneOf({ partitionKey, itemKey, fault }: Delivery): Lane {
    // The workers of a shard take turns in no order that could be repeated: then it has one.
    const workers = fault.singly ? 1 : this.parallelizationFactor;
    const id = `${hash(partitionKey) % virtualShards}/${hash(itemKey) % workers}`;
    const lane = this.lanes.get(id) ?? new Lane(this.options);
    this.lanes.set(id, lane);
    return lane;
  }
}
