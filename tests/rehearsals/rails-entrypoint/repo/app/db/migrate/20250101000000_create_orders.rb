class CreateOrders < ActiveRecord::Migration[7.2]
  disable_ddl_transaction!

  def change
    execute "SET lock_timeout = '5s'"
    create_table :orders do |t|
      t.integer :total
      t.timestamps
    end
  end
end
